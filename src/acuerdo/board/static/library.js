// The library of saved scenarios: save, find, load, rename, change and delete; and a word when somebody else was faster.

import { $, h } from "./dom.js";
import { showDialog } from "./dialog.js";
import { day, t } from "./words.js";

const MOST = 50;
const JSON_BODY = { "content-type": "application/json" };

/** Ask for saved scenarios whose title holds some words; returns {total, entries}. */
export const saved = (board, words = "") => board.fetch(`/api/scenarios?limit=${MOST}&q=${encodeURIComponent(words)}`);

class Library {
  constructor(board) {
    this.board = board;
    this.said = h("p", { class: "said", role: "status" });
    this.list = h("ul", { class: "plain entries" });
    this.name = h("input", { type: "text", id: "library-name", maxLength: 120, required: true, onkeydown: (event) => event.key === "Enter" && this.save() });
    this.note = h("input", { type: "text", id: "library-note", maxLength: 2000 });
    this.find = h("input", { type: "search", placeholder: t("library.find"), "aria-label": t("library.find"), oninput: () => {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.read(), 200);
    } });
    this.more = h("p", { class: "fine" });
    this.keep = h("section", { class: "keep" },
      h("label", { class: "row" }, h("span", {}, t("library.name")), this.name),
      h("label", { class: "row" }, h("span", {}, t("library.note")), this.note),
      h("button", { type: "button", class: "action", id: "library-save", onclick: () => this.save() }, t("library.save")));
    this.found = h("section", {}, h("h3", {}, t("library.saved")), this.find, this.list, this.more);
    showDialog("library", t("library.title"), h("p", { class: "fine" }, t("library.intro")), this.said, this.keep, this.found);
  }

  say(text, bad = false) {
    this.said.textContent = text;
    this.said.classList.toggle("bad", bad);
  }

  /** Do something with the library, and say what came of it. */
  async act(work, done) {
    try {
      await work();
      if (done) this.say(done);
    } catch (problem) {
      if (problem.status === 409) this.say(t("library.changed"), true);
      else if (problem.status === 404) this.say(t("library.gone"), true);
      else this.say(t(problem.status === 503 ? "library.closed" : "refused", { reason: problem.message }), true);
      if (problem.status === 503) {
        this.keep.hidden = this.found.hidden = true;
        return;
      }
      if (problem.status !== 409 && problem.status !== 404) return;
    }
    await this.read();
  }

  async read() {
    this.asked = (this.asked ?? 0) + 1;
    const mine = this.asked;
    try {
      const { total, entries } = await saved(this.board, this.find.value.trim());
      if (mine !== this.asked) return; // a later word was typed
      this.list.replaceChildren(...entries.map((entry) => this.entry(entry)));
      this.more.textContent = total === 0 ? t("library.none") : total > entries.length ? t("library.more", { shown: entries.length, count: total }) : "";
    } catch (problem) {
      if (problem.status !== 503) throw problem;
      this.say(t("library.closed", { reason: problem.message }), true);
      this.keep.hidden = this.found.hidden = true;
    }
  }

  async save() {
    const title = this.name.value.trim();
    if (!title) {
      this.say(t("library.name_missing"), true);
      this.name.focus();
      return;
    }
    await this.act(() => this.board.fetch("/api/scenarios", { method: "POST", headers: JSON_BODY, body: JSON.stringify({ title, note: this.note.value, scenario: this.board.scenario.whole() }) }), t("library.done_save", { title }));
    this.name.value = this.note.value = "";
  }

  put(entry, changes) {
    const { title, note, scenario, revision } = { ...entry, ...changes };
    return this.board.fetch(`/api/scenarios/${entry.id}`, { method: "PUT", headers: JSON_BODY, body: JSON.stringify({ title, note, scenario, revision }) });
  }

  entry(entry) {
    const { board } = this;
    const button = (key, act, off = false) => h("button", { type: "button", class: "quiet", disabled: off, "aria-label": `${t(`library.${key}`)}: ${entry.title}`, onclick: act }, t(`library.${key}`));
    const lost = entry.scenario === null;
    const remove = button("delete", () => {
      if (remove.dataset.sure) this.act(() => board.fetch(`/api/scenarios/${entry.id}?revision=${entry.revision}`, { method: "DELETE" }), t("library.done_delete", { title: entry.title }));
      else {
        remove.dataset.sure = "yes";
        remove.textContent = t("library.sure");
        remove.setAttribute("aria-label", `${t("library.sure")} ${entry.title}`);
      }
    });
    const words = h("div", { class: "entrytext" },
      h("strong", {}, entry.title),
      entry.note && h("p", {}, entry.note),
      h("p", { class: "fine" }, t("library.when", { day: day(entry.changed.slice(0, 10)) }), entry.as_of !== (board.about.as_of ?? "latest") && ` · ${t("library.other_day", { day: entry.as_of === "latest" ? t("library.latest") : day(entry.as_of) })}`, !entry.same_model && ` · ${t("library.other_model")}`),
      lost && h("p", { class: "fine warn" }, t("library.lost", { reason: entry.problem })));
    const node = h("li", { class: "entry", "data-entry": entry.id }, words, h("div", { class: "entryacts" },
      h("button", { type: "button", class: "action", disabled: lost, "aria-label": `${t("package.load")}: ${entry.title}`, onclick: () => this.load(entry) }, t("package.load")),
      button("rename", () => this.rename(entry, words), lost),
      button("replace", () => this.act(() => this.put(entry, { scenario: board.scenario.whole() }), t("library.done_replace", { title: entry.title }))),
      remove));
    return node;
  }

  load(entry) {
    this.board.scenario.take(entry.scenario);
    this.board.refresh();
    this.board.commit();
    $("library").close();
    this.board.notice(t("package.loaded", { title: entry.title }), true);
  }

  rename(entry, words) {
    const title = h("input", { type: "text", value: entry.title, maxLength: 120, "aria-label": t("library.name") });
    const note = h("input", { type: "text", value: entry.note, maxLength: 2000, "aria-label": t("library.note") });
    const keep = () => this.act(() => this.put(entry, { title: title.value.trim() || entry.title, note: note.value }), t("library.done_rename"));
    title.addEventListener("keydown", (event) => event.key === "Enter" && keep());
    words.replaceChildren(title, note, h("button", { type: "button", class: "action", onclick: keep }, t("library.keep")));
    title.focus();
  }
}

/** Open the library. */
export async function openLibrary(board) {
  const library = new Library(board);
  await library.read();
}
