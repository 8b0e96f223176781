import { useTranslation } from "react-i18next";

import type { WorkflowTemplate } from "~/api/schemas";
import type { Key } from "~/i18n/key";

/** The templates that are shipped (`features/workflows/templates`), by their file's name. */
const SHIPPED: Record<string, { name: Key; does: Key }> = {
  "monthly-digest": { name: "template.digest", does: "template.digest.does" },
  "policy-review": { name: "template.review", does: "template.review.does" },
  "question-triage": { name: "template.triage", does: "template.triage.does" },
  "research-report": { name: "template.report", does: "template.report.does" },
};

/** The name of a template, in the language of the page. */
export function useTemplateWords(): (template: WorkflowTemplate) => { name: string; description: string } {
  const { t } = useTranslation();
  return (template) => {
    const known = SHIPPED[template.template];
    if (known === undefined) return template;
    return { name: t(known.name as "template.digest"), description: t(known.does as "template.digest.does") };
  };
}
