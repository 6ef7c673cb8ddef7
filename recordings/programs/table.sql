PRAGMA mmap_size = 268435456;
PRAGMA journal_mode = WAL;
CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, value BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
INSERT INTO t SELECT i, 'row ' || i, randomblob(200) FROM n;
CREATE INDEX by_name ON t (name);
SELECT count(*) FROM t WHERE name LIKE '%7';
DELETE FROM t WHERE id % 3;
SELECT sum(length(value)) FROM t;
VACUUM;
SELECT count(*) FROM t a JOIN t b ON a.name = b.name;
