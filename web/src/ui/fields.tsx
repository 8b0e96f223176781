import { useId, type ReactNode } from "react";

interface FieldProps {
  label: string;
  hint?: string | undefined;
  children: (attributes: { id: string; "aria-describedby": string | undefined }) => ReactNode;
}

/** A label with what it labels, and a hint below. */
export function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="mb-1 block font-medium">{label}</label>
      {children({ id, "aria-describedby": hint === undefined ? undefined : `${id}-hint` })}
      {hint !== undefined && <p id={`${id}-hint`} className="mt-1 text-sm text-soft">{hint}</p>}
    </div>
  );
}

interface TextProps {
  label: string;
  hint?: string;
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "email" | "number" | "password" | "datetime-local";
  isOptional?: boolean;
  rows?: number;
  maxLength?: number;
  autoFocus?: boolean;
  autoComplete?: string;
  isCode?: boolean;
  min?: number;
  max?: number;
  step?: number | "any";
}

export function TextField({ label, hint, value, onChange, type = "text", isOptional = false, rows, isCode = false, autoComplete = "off", ...more }: TextProps) {
  const look = isCode ? "field font-mono text-sm" : "field";
  return (
    <Field label={label} hint={hint}>
      {(attributes) =>
        rows === undefined ? (
          <input {...attributes} {...more} className={look} type={type} autoComplete={autoComplete} required={!isOptional} value={value} onChange={(event) => onChange(event.target.value)} />
        ) : (
          <textarea {...attributes} className={look} rows={rows} maxLength={more.maxLength} autoFocus={more.autoFocus} spellCheck={!isCode} required={!isOptional} value={value} onChange={(event) => onChange(event.target.value)} />
        )
      }
    </Field>
  );
}

interface ChoiceProps<Value extends string> {
  label: string;
  hint?: string;
  value: Value;
  options: readonly { value: Value; name: string }[];
  onChange: (value: Value) => void;
  isDisabled?: boolean;
}

export function ChoiceField<Value extends string>({ label, hint, value, options, onChange, isDisabled = false }: ChoiceProps<Value>) {
  return (
    <Field label={label} hint={hint}>
      {(attributes) => (
        <select {...attributes} className="field" value={value} disabled={isDisabled} onChange={(event) => onChange(event.target.value as Value)}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>{option.name}</option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface CheckProps {
  label: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
}

export function CheckField({ label, isOn, onChange }: CheckProps) {
  const id = useId();
  return (
    <div className="flex items-center gap-2.5 py-0.5">
      <input id={id} type="checkbox" className="size-5 shrink-0 accent-accent" checked={isOn} onChange={(event) => onChange(event.target.checked)} />
      <label htmlFor={id} className="min-w-0">{label}</label>
    </div>
  );
}
