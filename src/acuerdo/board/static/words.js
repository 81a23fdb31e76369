// Words and numbers in the reader's language: texts from the server, numbers and months by Intl.

let texts = {};
let tag = "en-US";
export let lang = "en";

/** Fetch the texts of a language and make it the page's. */
export async function speak(code, localeTag) {
  const answer = await fetch(`/api/texts/${encodeURIComponent(code)}`);
  if (!answer.ok) throw new Error(`${answer.status}`);
  texts = await answer.json();
  lang = code;
  tag = localeTag;
  document.documentElement.lang = localeTag;
}

/** Return a text with its slots filled; plural forms are chosen by `count`. */
export function t(key, values = {}) {
  let form = texts[key];
  if (form === undefined) return key;
  if (typeof form === "object") {
    form = form[new Intl.PluralRules(tag).select(values.count ?? 0)] ?? form.other;
    values = { ...values, count: number(values.count ?? 0) };
  }
  return form.trim().replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Return the words of a label {en, es} in the page's language. */
export const pick = (label) => label?.[lang] ?? "";

const minus = (text) => text.replace("-", "\u2212");
const formats = new Map();

function format(options) {
  const key = tag + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(tag, options));
  return formats.get(key);
}

/** Format a number with at most so many decimals. */
export const number = (value, digits = 0) => minus(format({ maximumFractionDigits: digits }).format(value + 0));

/** Return the decimals that keep so many significant figures; from 10 on there are none. */
function places(value, figures) {
  if (value === 0 || !Number.isFinite(value)) return 0;
  const found = figures - 1 - Math.floor(Math.log10(Math.abs(value)));
  return Math.abs(value) >= 10 ? Math.min(found, 0) : found;
}

function at(value, place) {
  const unit = 10 ** -place;
  const digits = Math.min(Math.max(place, 0), 12);
  const nearest = Math.round(value / unit) * unit;
  return minus(format({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(nearest === 0 ? 0 : nearest));
}

/** Format an estimate to so many significant figures. */
export const rounded = (value, figures = 3) => at(value, places(value, figures));

/** Format a difference with its sign. */
export function signed(value, figures = 2) {
  const text = rounded(value, figures);
  return value > 0 && text !== rounded(0) ? `+${text}` : text;
}

/** Format an interval, both ends to the same decimal place. */
export function interval(low, high, figures = 3, sign = false) {
  const place = places(Math.max(Math.abs(low), Math.abs(high)), figures);
  const zero = at(0, place);
  const [one, other] = [low, high].map((end) => (sign && end > 0 && at(end, place) !== zero ? "+" : "") + at(end, place));
  return t("interval", { low: one, high: other });
}

/** Format a number of the model to three significant figures, without zeros at the end. */
export const plain = (value) => minus(format({ maximumSignificantDigits: 3 }).format(value));

/** Format a number of an axis in short. */
export const compact = (value) =>
  Math.abs(value) >= 10000
    ? minus(format({ notation: "compact", maximumSignificantDigits: 3 }).format(value))
    : minus(format({ maximumSignificantDigits: 4 }).format(value));

export const percent = (share, digits = 0) => minus(format({ style: "percent", maximumFractionDigits: digits }).format(share));

/** Format a month (YYYY-MM). */
export function month(text, short = true) {
  const [year, index] = text.split("-").map(Number);
  const key = `month ${tag} ${short}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(tag, { year: "numeric", month: short ? "short" : "long", timeZone: "UTC" }));
  return formats.get(key).format(new Date(Date.UTC(year, index - 1, 1)));
}

/** Format a day (YYYY-MM-DD). */
export function day(text) {
  return new Intl.DateTimeFormat(tag, { dateStyle: "long", timeZone: "UTC" }).format(new Date(`${text}T00:00:00Z`));
}

/** Join items as a sentence does. */
export const listing = (items) => new Intl.ListFormat(tag, { type: "conjunction" }).format(items);
