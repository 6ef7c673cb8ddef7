// Objects and buffers come and go; the garbage collector runs when it likes, and at the end when asked.
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
(async () => {
  for (let day = 0; day < 3; day++) {
    let rows = Array.from({ length: 300000 }, (_, n) => ({ id: n, name: "row " + n, more: [n] }));
    const buffers = Array.from({ length: 200 }, () => Buffer.alloc(1 << 18, 1));
    rows = rows.filter((row) => row.id % 10 === day);
    await wait(100);
  }
  if (global.gc) global.gc();
  await wait(200);
})();
