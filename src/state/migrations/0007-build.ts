/** What builds remember: which layers a step has made of what, so that the same step need not be run again. */
export const buildSchema = `
-- A layer on those below it; each parent has a row too. Collection keeps its blob and its snapshot.
CREATE TABLE build_layers (
  chain_id    TEXT PRIMARY KEY,
  parent      TEXT REFERENCES build_layers (chain_id),
  diff_id     TEXT NOT NULL,
  blob        TEXT NOT NULL,
  media_type  TEXT NOT NULL,
  blob_bytes  INTEGER NOT NULL,
  size_bytes  INTEGER NOT NULL              -- unpacked
) STRICT, WITHOUT ROWID;
CREATE INDEX build_layers_by_parent ON build_layers (parent);
CREATE INDEX build_layers_by_blob ON build_layers (blob);

-- A step by the digest of all it depends on, and the top layer that came of it.
CREATE TABLE build_steps (
  key         TEXT PRIMARY KEY,
  chain_id    TEXT REFERENCES build_layers (chain_id), -- NULL: no layer at all
  changed     INTEGER NOT NULL,             -- 0: the step has added no layer
  kind        TEXT NOT NULL,
  description TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  used_at_ms  INTEGER NOT NULL,
  uses        INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX build_steps_by_chain ON build_steps (chain_id);

-- Directories that RUN --mount=type=cache keeps between builds, by the digest of their id.
CREATE TABLE build_mounts (
  key         TEXT PRIMARY KEY,
  id          TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  used_at_ms  INTEGER NOT NULL,
  uses        INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
`
