/** Containers and what happens to them. Times are milliseconds since the epoch unless the name says otherwise. */
export const containersSchema = `
CREATE TABLE containers (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE,
  image         TEXT,
  image_name    TEXT NOT NULL,
  backend       TEXT NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('created','starting','running','paused','stopping','exited','removing')),
  auto_remove   INTEGER NOT NULL DEFAULT 0,
  -- JSON of the container's settings as asked for, with the image's defaults applied
  config        TEXT NOT NULL,
  labels        TEXT NOT NULL DEFAULT '{}',
  created_at    INTEGER NOT NULL,
  started_at    INTEGER,
  finished_at   INTEGER,
  -- a process is its pid and its start time (field 22 of /proc/PID/stat)
  pid           INTEGER,
  pid_start     INTEGER,
  supervisor_pid INTEGER,
  supervisor_start INTEGER,
  -- the command at work on it while it is being created or started; when that is dead, the work was cut short
  owner_pid     INTEGER,
  owner_start   INTEGER,
  -- NULL while it has not ended; -1: ended, but nobody could learn how
  exit_status   INTEGER,
  oom_killed    INTEGER NOT NULL DEFAULT 0,
  error         TEXT
) STRICT;
CREATE INDEX containers_by_image ON containers (image);
CREATE INDEX containers_by_state ON containers (state);

CREATE TABLE events (
  sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
  time_ns    INTEGER NOT NULL,
  type       TEXT NOT NULL,
  action     TEXT NOT NULL,
  actor      TEXT NOT NULL,
  attributes TEXT NOT NULL DEFAULT '{}'
) STRICT;
`
