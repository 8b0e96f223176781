import { useState, type ReactNode } from "react";

import { asProblem, type Problem } from "~/api/problem";

import { ProblemNote } from "./problem-note";

interface Props {
  action: string;
  onSend: () => Promise<void>;
  isDisabled?: boolean;
  /** Beside the button. */
  beside?: ReactNode;
  children: ReactNode;
}

/** A form: what was typed stays when it is refused, and the refusal is told above the button. */
export function Form({ action, onSend, isDisabled = false, beside, children }: Props) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  async function send(): Promise<void> {
    setIsBusy(true);
    setProblem(null);
    try {
      await onSend();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setIsBusy(false);
    }
  }
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {children}
      {problem !== null && <ProblemNote problem={problem} />}
      <div className="flex flex-wrap gap-3">
        <button type="submit" className="button button-main" disabled={isBusy || isDisabled}>{action}</button>
        {beside}
      </div>
    </form>
  );
}
