import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useTask } from "./messages";

interface Page<Item> {
  items: Item[];
  next_cursor?: string | null;
}

interface PagesProps<Item> {
  label: string;
  /** What is read; a change reads again from the start. */
  of: string | number;
  read: (cursor: string | undefined) => Promise<Page<Item>>;
  row: (item: Item, again: () => void) => ComponentChildren;
}

/** A list that grows by a page when the reader asks for more. */
export function Pages<Item>({ label, of, read, row }: PagesProps<Item>) {
  const [page, setPage] = useState<Page<Item>>();
  const [times, setTimes] = useState(0);
  const { busy, run } = useTask();
  const search = useRef({}); // a later search must not be overwritten by an earlier answer
  const extend = (known: Item[], cursor: string | undefined) =>
    run(async () => {
      const asked = search.current;
      const next = await read(cursor);
      if (asked === search.current) setPage({ ...next, items: [...known, ...next.items] });
    });
  useEffect(() => {
    search.current = {};
    void extend([], undefined);
    return () => {
      search.current = {};
    };
  }, [of, times]);
  const more = () => extend(page?.items ?? [], page?.next_cursor ?? undefined);
  const again = () => setTimes(times + 1);
  if (!page) return <p>{busy ? "Loading…" : ""}</p>;
  return (
    <>
      {page.items.length === 0 && <p>Nothing to show.</p>}
      <ul class="rows" aria-label={label}>
        {page.items.map((item, index) => (
          <li key={index}>{row(item, again)}</li>
        ))}
      </ul>
      {page.next_cursor && (
        <button class="quiet" disabled={busy} onClick={() => void more()}>
          Show more
        </button>
      )}
    </>
  );
}

export function When({ at }: { at: string | null | undefined }) {
  if (!at) return <>–</>;
  return <time dateTime={at}>{new Date(at).toLocaleString()}</time>;
}
