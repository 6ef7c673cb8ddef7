// What ptlab/widgets/packing.py has packed: lists that became columns, and numbers that became differences.

/** The columns of `names` as rows: `make(row)` for each of them. */
function rows(columns, make) {
  const all = columns.map(unpack);
  return all[0].map((_, k) => make(all.map((column) => column[k])));
}

/** The value as it was before it was packed. */
export function unpack(value) {
  if (Array.isArray(value)) return value.map(unpack);
  if (value === null || typeof value !== "object") return value;
  const names = Object.keys(value), { "~differences": differences, "~fields": fields, "~places": places } = value;
  if (differences) {
    let sum = 0;
    return differences.map((one) => (sum += one));
  }
  if (fields) {
    const own = Object.keys(fields);
    return rows(Object.values(fields), (row) => Object.fromEntries(own.map((name, k) => [name, row[k]])));
  }
  if (places) return rows(places, (row) => row);
  return Object.fromEntries(names.map((name) => [name, unpack(value[name])]));
}
