/** A file with where it lay in the folder that was dropped or chosen; its own name if in none. */
export interface FoundFile {
  file: File;
  path: string;
}

/** The files of a drop, with those within folders; hidden ones are left out. */
export async function filesOf(transfer: DataTransfer): Promise<FoundFile[]> {
  // Asked for at once: after the first pause the browser has emptied the list.
  const entries = [...transfer.items].flatMap((item) => {
    const entry = item.kind === "file" ? item.webkitGetAsEntry() : null;
    return entry === null ? [] : [entry];
  });
  if (entries.length === 0) return [...transfer.files].map((file) => ({ file, path: file.name }));
  return (await Promise.all(entries.map(within))).flat();
}

async function within(entry: FileSystemEntry): Promise<FoundFile[]> {
  if (entry.name.startsWith(".")) return [];
  const path = entry.fullPath.replace(/^\//, "");
  if (entry instanceof FileSystemFileEntry || entry.isFile) {
    const file = await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed));
    return [{ file, path }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FoundFile[] = [];
  for (;;) {
    // Chromium gives a hundred at a time, and an empty list at the end.
    const some = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed));
    if (some.length === 0) return found;
    found.push(...(await Promise.all(some.map(within))).flat());
  }
}

/** The files of an input, which gives paths where a folder was chosen. */
export function chosenFiles(files: Iterable<File>): FoundFile[] {
  return [...files]
    .map((file) => ({ file, path: file.webkitRelativePath || file.name }))
    .filter(({ path }) => !path.split("/").some((part) => part.startsWith(".")));
}

/**
 * The names under which files are sent. The library knows a document by its file name alone: two
 * `notes.md` of different folders would be versions of one, so such names take their folders along.
 */
export function namesOf(found: readonly FoundFile[]): string[] {
  const counts = new Map<string, number>();
  for (const { file } of found) counts.set(file.name, (counts.get(file.name) ?? 0) + 1);
  return found.map(({ file, path }) => ((counts.get(file.name) ?? 0) > 1 ? path.replaceAll("/", " - ") : file.name));
}
