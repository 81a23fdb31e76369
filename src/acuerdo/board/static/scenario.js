// The scenario on the page: what is set, undo and redo, and the link that holds all of it.

export const VERSION = "1";
export const MOST_LINES = 9;

/** Return a setting without what says nothing, so that two settings that mean the same are the same. */
export const bare = (setting) => Object.fromEntries(Object.entries(setting).filter(([name, value]) => !(name === "times" && !value) && !(name === "ramp" && value === 1) && !(name === "member" && value === null)));

/** Why a link cannot be read: the key of a text and its values. */
export class BadLink extends Error {
  constructor(key, values = {}) {
    super(key);
    this.key = key;
    this.values = values;
  }
}

export class Scenario {
  constructor(about) {
    this.about = about;
    this.levers = new Map(about.levers.map((lever) => [lever.name, lever]));
    this.assumptions = new Map(about.assumptions.map((item) => [item.name, item]));
    this.lineIds = new Set(about.lines.map((line) => line.id));
    this.first = this.empty();
    this.now = this.empty();
    this.kept = JSON.stringify(this.now);
    this.before = [];
    this.after = [];
  }

  /** The day of the figures; `latest` for all there are. */
  get day() {
    return this.about.as_of ?? "latest";
  }

  empty() {
    const open = this.about.lines.filter((line) => line.open).map((line) => line.id);
    return { months: Math.min(12, this.about.months.length), settings: [], held: {}, future: null, lines: open };
  }

  /** Return what the server is asked to run: of this state, or of another one. */
  asked(state = this.now) {
    const { months, settings, held, future, lines } = state;
    return { months, settings, held, future, lines: [...new Set(lines)] };
  }

  /** Keep what is set now as a step that can be undone; returns whether it differs from the step before. */
  keep() {
    const text = JSON.stringify(this.now);
    if (text === this.kept) return false;
    this.before.push(this.kept);
    if (this.before.length > 200) this.before.shift();
    this.after = [];
    this.kept = text;
    return true;
  }

  undo() {
    return this.#move(this.before, this.after);
  }

  redo() {
    return this.#move(this.after, this.before);
  }

  #move(from, to) {
    if (!from.length) return false;
    to.push(this.kept);
    this.kept = from.pop();
    this.now = JSON.parse(this.kept);
    return true;
  }

  settingsOf(lever) {
    return this.now.settings.filter((item) => item.lever === lever);
  }

  /** The one plain setting of a lever, which the slider shows; undefined where a package set something else. */
  plain(lever) {
    const found = this.settingsOf(lever);
    return found.length === 1 && !found[0].times && !found[0].member ? found[0] : undefined;
  }

  /** Set a lever to a value; dates and steps that it has are kept. */
  set(lever, value, dates = {}) {
    const old = this.plain(lever) ?? {};
    const made = { lever, value, start: old.start ?? null, end: old.end ?? null, ramp: old.ramp ?? 1, ...dates };
    if (made.ramp === 1) delete made.ramp;
    const at = this.now.settings.findIndex((item) => item.lever === lever);
    const rest = this.now.settings.filter((item) => item.lever !== lever);
    rest.splice(at < 0 ? rest.length : at, 0, made);
    this.now.settings = rest;
  }

  clear(lever) {
    this.now.settings = this.now.settings.filter((item) => item.lever !== lever);
  }

  hold(name, value) {
    if (value === null) delete this.now.held[name];
    else this.now.held[name] = value;
  }

  /** Return the scenario as it is saved: with the charts in their places. */
  whole() {
    return { ...this.asked(), lines: [...this.now.lines] };
  }

  /** Take a scenario as the server knows it. */
  take({ months, settings, held, future, lines }) {
    this.now = { months, settings: settings.map(bare), held: { ...held }, future: future ?? null, lines: lines.length ? [...lines] : [...this.first.lines] };
  }

  get changed() {
    return this.now.settings.length > 0 || Object.keys(this.now.held).length > 0 || this.now.future !== null;
  }

  /** Return the scenario as the fragment of a link. */
  link(lang, day = this.day) {
    const { months, settings, held, future, lines } = this.now;
    const parts = [`v=${VERSION}`, `m=${months}`, `lang=${lang}`];
    parts.push(`d=${day}`);
    if (future) parts.push(`f=${future}`);
    for (const item of settings) parts.push(`s=${write(item)}`);
    for (const [name, value] of Object.entries(held)) parts.push(`a=${name}=${short(value)}`);
    if (lines.join() !== this.first.lines.join()) parts.push(`c=${lines.join(",")}`);
    return parts.join("&");
  }

  /** Read a fragment: {state, lang, day}. Throws BadLink with the reason when it is not a scenario of this board. */
  read(fragment) {
    const state = this.empty();
    const found = { state, lang: null, day: null };
    let version = null;
    for (const part of fragment.split("&").filter(Boolean)) {
      const at = part.indexOf("=");
      const [key, value] = [part.slice(0, at), decode(part.slice(at + 1))];
      if (key === "v") version = value;
      else if (key === "m") state.months = this.#months(value);
      else if (key === "lang") found.lang = value;
      else if (key === "d") found.day = value;
      else if (key === "f") state.future = this.#future(value);
      else if (key === "s") state.settings.push(this.#setting(value));
      else if (key === "a") this.#held(state, value);
      else if (key === "c") state.lines = this.#lines(value);
      else throw new BadLink("form", { text: part.slice(0, 60) });
      if (version !== VERSION) throw new BadLink("version", { version: version ?? "?" });
    }
    return found;
  }

  #months(text) {
    const months = Number(text);
    if (!Number.isInteger(months) || months < 1 || months > this.about.months.length) throw new BadLink("months", { months: text });
    return months;
  }

  #future(name) {
    if (!this.about.futures.some((item) => item.name === name)) throw new BadLink("future", { name });
    return name;
  }

  #setting(text) {
    const form = /^(\w+)(?::(\w+))?=(x?)(-?\d[\d.e+-]*)(?:@(\d{4}-\d\d)?(?:\.\.(\d{4}-\d\d))?)?(?:~(\d+))?$/;
    const match = form.exec(text);
    if (!match) throw new BadLink("form", { text: text.slice(0, 60) });
    const [, name, member, times, number, start, end, ramp] = match;
    const lever = this.levers.get(name);
    if (!lever) throw new BadLink("lever", { name });
    const value = Number(number);
    const inside = times ? value >= 0 : value >= lever.range[0] && value <= lever.range[1];
    if (!Number.isFinite(value) || !inside) throw new BadLink("value", { name, value: number });
    const months = this.about.months;
    for (const month of [start, end].filter(Boolean)) {
      if (!months.includes(month)) throw new BadLink("month", { month, first: months[0], last: months.at(-1) });
    }
    const made = { lever: name, value, start: start ?? null, end: end ?? null };
    if (times) made.times = true;
    if (ramp) made.ramp = Number(ramp);
    if (member) made.member = member;
    return made;
  }

  #held(state, text) {
    const [name, number] = text.split("=");
    const item = this.assumptions.get(name);
    if (!item) throw new BadLink("assumption", { name });
    const value = Number(number);
    if (!(value >= item.low && value <= item.high)) throw new BadLink("value", { name, value: number });
    state.held[name] = value;
  }

  #lines(text) {
    const lines = text.split(",");
    for (const name of lines) if (!this.lineIds.has(name)) throw new BadLink("line", { name });
    if (lines.length > MOST_LINES) throw new BadLink("form", { text: text.slice(0, 60) });
    return lines;
  }
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new BadLink("form", { text: text.slice(0, 60) });
  }
}

const short = (value) => String(Number(value.toPrecision(6)));

/** Write a setting as LEVER[:MEMBER]=[x]VALUE[@FIRST][..LAST][~STEPS]; the command line reads the same, without members and steps. */
function write(item) {
  const dates = item.start || item.end ? `@${item.start ?? ""}${item.end ? `..${item.end}` : ""}` : "";
  const member = item.member ? `:${item.member}` : "";
  const ramp = item.ramp > 1 ? `~${item.ramp}` : "";
  return `${item.lever}${member}=${item.times ? "x" : ""}${short(item.value)}${dates}${ramp}`;
}
