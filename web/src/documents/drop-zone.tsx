import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { Upload } from "~/ui/icons";

import { chosenFiles, filesOf } from "./folders";
import { add } from "./uploads";

/** A place for files; they can be dropped anywhere on the page while it is there. */
export function DropZone() {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [isOver, setIsOver] = useState(false);

  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setIsOver(true);
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setIsOver(false);
    };
    const drop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setIsOver(false);
      if (event.dataTransfer !== null) void filesOf(event.dataTransfer).then(add);
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, []);

  return (
    <div
      className={`flex flex-wrap items-center justify-between gap-x-6 gap-y-3 rounded-xl border border-dashed px-5 py-4 ${isOver ? "border-accent bg-accent/10" : "border-edge"}`}
    >
      <p className="min-w-0 basis-72 grow">
        {t("upload.drop")}
        <span className="block text-sm text-soft">{t("upload.formats")}</span>
      </p>
      <div className="flex flex-wrap gap-2">
        <button type="button" className="button button-line" onClick={() => input.current?.click()}>
          <Upload />
          {t("upload.choose")}
        </button>
        <button type="button" className="button button-line" onClick={() => folder.current?.click()}>
          {t("upload.folder")}
        </button>
      </div>
      <input
        ref={input}
        type="file"
        multiple
        className="sr-only"
        tabIndex={-1}
        aria-label={t("upload.choose")}
        onChange={(event) => {
          add(chosenFiles(event.target.files ?? []));
          event.target.value = "";
        }}
      />
      <input
        ref={folder}
        type="file"
        // Not in the types of React: whole folders, in every browser of today.
        {...{ webkitdirectory: "" }}
        className="sr-only"
        tabIndex={-1}
        aria-label={t("upload.folder")}
        onChange={(event) => {
          add(chosenFiles(event.target.files ?? []));
          event.target.value = "";
        }}
      />
    </div>
  );
}
