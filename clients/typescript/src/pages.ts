interface Page<Item> {
  items: Item[];
  next_cursor?: string | null;
}

/** Yield the items of all pages; a page is read when its first item is asked for. */
export async function* pages<Item>(
  read: (cursor: string | undefined) => Promise<Page<Item>>,
): AsyncGenerator<Item, void, void> {
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    yield* page.items;
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
}
