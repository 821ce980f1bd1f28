/** Volumes, and where containers have them. A volume in use cannot go: the reference forbids it. */
export const volumesSchema = `
CREATE TABLE volumes (
  name       TEXT PRIMARY KEY,
  driver     TEXT NOT NULL DEFAULT 'local',
  labels     TEXT NOT NULL DEFAULT '{}',   -- JSON object
  options    TEXT NOT NULL DEFAULT '{}',   -- JSON object: type, device, o
  anonymous  INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,             -- milliseconds since the epoch
  moved_from TEXT                          -- a rename that its directory has yet to follow
) STRICT, WITHOUT ROWID;

CREATE TABLE volume_uses (
  container TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
  target    TEXT NOT NULL,
  volume    TEXT NOT NULL REFERENCES volumes (name) ON UPDATE CASCADE,
  mount     TEXT NOT NULL,                 -- JSON of the setting as asked for
  PRIMARY KEY (container, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX volume_uses_of_volume ON volume_uses (volume);

-- Volumes that are gone, whose directories may still be there: whoever comes by removes them.
CREATE TABLE removed_volumes (
  name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
`
