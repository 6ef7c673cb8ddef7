// What somebody types as an address: a number, a mapping's name, or such things with "+" between them.

const UNITS = { K: 10n, M: 20n, G: 30n, T: 40n };

function amount(text) {
  const unit = UNITS[text.at(-1)?.toUpperCase()], digits = unit === undefined ? text : text.slice(0, -1);
  if (!/^(0x[0-9a-f]+|[0-9]+)$/i.test(digits)) return null;
  return BigInt(digits) << (unit ?? 0n);
}

/** The address that `text` means. An Error says what would be one. `top` is the first that no user space has. */
export function parseAddress(text, mappings, top) {
  const bases = new Map(mappings.map(({ name, base }) => [name, BigInt(base)]));
  const parts = text.trim().split("+").map((part) => bases.get(part.trim()) ?? amount(part.trim()));
  if (parts.includes(null)) throw new Error(`type a number or a mapping, such as ${[...bases.keys()][0] ?? "0x1000"}+2M`);
  const address = parts.reduce((sum, part) => sum + part);
  if (address >= top) throw new Error(`user space ends at 0x${(top - 1n).toString(16)}`);
  return address;
}
