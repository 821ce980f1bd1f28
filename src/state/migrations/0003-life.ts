/** A container's life after its first start: restarts, health, what the user stopped. SQLite changes a CHECK only by a new table. */
export const lifeSchema = `
CREATE TABLE containers_with_life (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE,
  image         TEXT,
  image_name    TEXT NOT NULL,
  backend       TEXT NOT NULL,
  state         TEXT NOT NULL
                CHECK (state IN ('created','starting','running','paused','stopping','restarting','exited','removing')),
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
  -- the command at work on it (creating, starting, stopping), or the one that waits to restart it; when that is dead, the work was cut short
  owner_pid     INTEGER,
  owner_start   INTEGER,
  -- NULL while it has not ended; -1: ended, but nobody could learn how
  exit_status   INTEGER,
  oom_killed    INTEGER NOT NULL DEFAULT 0,
  error         TEXT,
  -- the user has ended it: no policy brings it back before the next start
  stopped_by_user INTEGER NOT NULL DEFAULT 0,
  -- by the restart policy, since the last start by a user
  restart_count INTEGER NOT NULL DEFAULT 0,
  -- the last pause before a restart, milliseconds; doubles with each quick end
  restart_delay INTEGER NOT NULL DEFAULT 0,
  -- JSON in docker's shape of State.Health; NULL without a health check
  health        TEXT
) STRICT;
INSERT INTO containers_with_life (id, name, image, image_name, backend, state, auto_remove, config, labels, created_at, started_at,
  finished_at, pid, pid_start, supervisor_pid, supervisor_start, owner_pid, owner_start, exit_status, oom_killed, error)
SELECT id, name, image, image_name, backend, state, auto_remove, config, labels, created_at, started_at,
  finished_at, pid, pid_start, supervisor_pid, supervisor_start, owner_pid, owner_start, exit_status, oom_killed, error
FROM containers;
DROP TABLE containers;
ALTER TABLE containers_with_life RENAME TO containers;
CREATE INDEX containers_by_image ON containers (image);
CREATE INDEX containers_by_state ON containers (state);
CREATE INDEX events_by_time ON events (time_ns);
`
