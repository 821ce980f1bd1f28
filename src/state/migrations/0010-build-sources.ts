/** What builds have fetched from the network, so that it need not be fetched again while it is the same. */
export const buildSourcesSchema = `
-- A directory below build/sources of the data root: a checkout, by the digest of all that makes it what it is, or a file.
CREATE TABLE build_sources (
  key         TEXT PRIMARY KEY,
  kind        TEXT NOT NULL,                -- source.git.checkout, source.http, source.http.archive
  description TEXT NOT NULL,
  size_bytes  INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  used_at_ms  INTEGER NOT NULL,
  uses        INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What a server said of a file when it was fetched last, by the digest of the address and of who asked.
CREATE TABLE build_urls (
  key           TEXT PRIMARY KEY,
  source        TEXT NOT NULL REFERENCES build_sources (key) ON DELETE CASCADE, -- a file's key is its digest
  etag          TEXT,
  last_modified TEXT,                       -- as it was said
  settled       INTEGER NOT NULL            -- 1: last_modified was old enough then to tell two versions apart
) STRICT, WITHOUT ROWID;
CREATE INDEX build_urls_by_source ON build_urls (source);
`
