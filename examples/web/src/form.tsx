import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { useTask } from "./messages";

interface FieldProps {
  label: string;
  name: string;
  hint?: string;
  value?: string | null;
  type?: string;
  required?: boolean;
  autocomplete?: string;
}

export function Field({ label, hint, value, ...input }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} defaultValue={value ?? ""} aria-describedby={hint && `${id}-hint`} {...input} />
      {hint && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  );
}

interface FormProps {
  label: string;
  button: string;
  /** Send the form; the text that is returned is shown. */
  send: (values: (name: string) => string, form: HTMLFormElement) => Promise<string | void>;
  children?: ComponentChildren;
}

export function Form({ label, button, send, children }: FormProps) {
  const { busy, run } = useTask();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const data = new FormData(form);
    void run(() => send((name) => String(data.get(name) ?? "").trim(), form));
  };
  return (
    <form aria-label={label} onSubmit={submit}>
      {children}
      <button disabled={busy}>{button}</button>
    </form>
  );
}

/** Return the names in a text, which commas or spaces separate. */
export function names(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

interface ActionProps {
  label: string;
  /** What the label does not say: the name of the thing that it acts on. */
  of?: string;
  act: () => Promise<string | void>;
}

export function Action({ label, of, act }: ActionProps) {
  const { busy, run } = useTask();
  return (
    <button
      class="quiet"
      type="button"
      disabled={busy}
      aria-label={of && `${label}: ${of}`}
      onClick={() => void run(act)}
    >
      {label}
    </button>
  );
}
