// A dialog with a heading and a button to close it.

import { $, h } from "./dom.js";
import { t } from "./words.js";

/** Fill a dialog of the page and show it; `name` is the id of the dialog and the key of its title. */
export function showDialog(name, title, ...children) {
  const dialog = $(name);
  dialog.replaceChildren(
    h("div", { class: "dialog-head" }, h("h2", { id: `${name}-title` }, title), h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, t("close"))),
    ...children,
  );
  if (!dialog.open) dialog.showModal();
  return dialog;
}
