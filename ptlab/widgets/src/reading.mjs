// How what somebody types is read: 1024, 1,024, 1 024 kB and 0x400 are the same number; "abc" is none.

const SPACES = /[\s\u00a0\u2009\u202f_]/g, GROUPS = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/;
const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i, HEX = /^0x[\da-f]+$/i, NAMED = /^([+-]?[\d.,]*\d)([a-z%\u00b5]+)$/i;

/** {number} of a text, or {problem}: a sentence that says what would be a number. */
export function readNumber(text, unit = "") {
  let bare = text.replaceAll("\u2212", "-").replace(SPACES, "");
  const low = bare.toLowerCase(), ending = unit.toLowerCase().replace(SPACES, "");
  if (ending && low.endsWith(ending)) bare = bare.slice(0, -ending.length);
  if (GROUPS.test(bare)) bare = bare.replaceAll(",", "");
  if (PLAIN.test(bare) || HEX.test(bare)) return { number: Number(bare) };
  const named = NAMED.exec(bare);
  if (named && PLAIN.test(named[1].replaceAll(",", ""))) {
    const want = unit ? `The answer is asked in ${unit}.` : "The answer is a plain number, without a unit.";
    return { problem: `\u201c${text.trim()}\u201d has the unit ${named[2]}. ${want} This was not counted.` };
  }
  if (/^[+-]?\d+,\d+$/.test(bare)) {
    return { problem: `\u201c${text.trim()}\u201d: write ${bare.replace(",", ".")} if the comma is a decimal point. This was not counted.` };
  }
  return { problem: `\u201c${text.trim()}\u201d is not a number. Write one in digits, such as 42. This was not counted.` };
}

/** Whether a guess means the answer. */
export function same(guess, answer, kind, unit) {
  if (kind !== "number") return guess.trim().toLowerCase() === String(answer).toLowerCase();
  const { number } = readNumber(guess, unit);
  return number !== undefined && Math.abs(number - answer) < 1e-9 * Math.max(1, Math.abs(answer));
}
