import { useId, useState, type ReactNode } from "react";

import { passwordProblem, type Problem } from "~/api/problem";
import { ProblemNote } from "~/ui/problem-note";

export interface Field {
  name: string;
  label: string;
  type: "text" | "email" | "password";
  autoComplete: string;
  hint?: ReactNode;
  isOptional?: boolean;
}

interface Props {
  heading: string;
  intro: ReactNode;
  fields: readonly Field[];
  action: string;
  footer?: ReactNode;
  /** Below the form: other ways. */
  beside?: ReactNode;
  initial?: Record<string, string>;
  onSend: (values: Record<string, string>) => Promise<void>;
}

/** A short form on a page of its own; what was typed stays when it is refused. */
export function AccountForm({ heading, intro, fields, action, footer, beside, initial = {}, onSend }: Props) {
  const id = useId();
  const [values, setValues] = useState(initial);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setIsBusy] = useState(false);

  async function send(): Promise<void> {
    setIsBusy(true);
    setProblem(null);
    try {
      await onSend(values);
    } catch (error) {
      setProblem(passwordProblem(error, values["password"] ?? ""));
    } finally {
      setIsBusy(false);
    }
  }

  return (
    <main id="main" className="mx-auto w-full max-w-[26rem] px-4 py-[clamp(2rem,12vh,8rem)]">
      <h1 className="mb-2 font-serif text-3xl leading-tight font-semibold">{heading}</h1>
      <p className="mb-6 text-soft">{intro}</p>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        {fields.map((field) => (
          <div key={field.name}>
            <label htmlFor={`${id}-${field.name}`} className="mb-1 block font-medium">
              {field.label}
            </label>
            <input
              id={`${id}-${field.name}`}
              className="field"
              name={field.name}
              type={field.type}
              autoComplete={field.autoComplete}
              required={field.isOptional !== true}
              aria-describedby={field.hint === undefined ? undefined : `${id}-${field.name}-hint`}
              value={values[field.name] ?? ""}
              onChange={(event) => setValues({ ...values, [field.name]: event.target.value })}
            />
            {field.hint !== undefined && (
              <p id={`${id}-${field.name}-hint`} className="mt-1 text-sm text-soft">
                {field.hint}
              </p>
            )}
          </div>
        ))}
        {problem !== null && <ProblemNote problem={problem} />}
        <button type="submit" className="button button-main w-full" disabled={isBusy}>
          {action}
        </button>
      </form>
      {beside}
      {footer !== undefined && <p className="mt-6 text-sm text-soft">{footer}</p>}
    </main>
  );
}
