import { asProblem } from "~/api/problem";

import { notify } from "./notices";
import { useAdvice } from "./problem-note";

/** Does something whose failure is told in passing; says whether it worked. */
export function useAttempt(): (work: () => Promise<unknown>) => Promise<boolean> {
  const advice = useAdvice();
  return async (work) => {
    try {
      await work();
      return true;
    } catch (error) {
      notify(advice(asProblem(error)));
      return false;
    }
  };
}
