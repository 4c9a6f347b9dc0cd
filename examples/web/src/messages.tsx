import { ApiError, SignInError } from "@atrium/client";
import { createContext } from "preact";
import { useContext, useState } from "preact/hooks";

/** What happened last. The page shows it in a live region. */
export interface Message {
  kind: "status" | "error";
  text: string;
}

export const Messages = createContext<(message: Message | undefined) => void>(() => undefined);

/** Return the API's own explanation, with the fields it names. */
export function explain(error: unknown): string {
  if (error instanceof SignInError) return error.message;
  if (!(error instanceof ApiError))
    return error instanceof Error ? error.message : "Something went wrong. Load the page again.";
  const fields = error.problem?.errors?.map((each) => {
    const place = each.pointer ?? each.parameter ?? each.header ?? "";
    return `${place.replace(/^#?\//, "")}: ${each.detail}`;
  });
  const text = error.problem?.detail ?? error.message;
  return [text, ...(fields ?? [])].join(" ");
}

/** Return a function that runs a request, and says how it ended; `busy` disables buttons. */
export function useTask() {
  const show = useContext(Messages);
  const [busy, setBusy] = useState(false);
  const run = async (work: () => Promise<string | void>) => {
    setBusy(true);
    try {
      const text = await work();
      if (text) show({ kind: "status", text });
    } catch (error) {
      show({ kind: "error", text: explain(error) });
    } finally {
      setBusy(false);
    }
  };
  return { busy, run };
}
