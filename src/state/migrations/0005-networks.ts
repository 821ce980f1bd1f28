/** Networks, and who is on them now. Endpoints and addresses live as long as a run of their container. */
export const networksSchema = `
CREATE TABLE networks (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE,
  internal    INTEGER NOT NULL DEFAULT 0,
  attachable  INTEGER NOT NULL DEFAULT 0,
  ipv6        INTEGER NOT NULL DEFAULT 0,
  -- JSON objects of texts
  labels      TEXT NOT NULL DEFAULT '{}',
  options     TEXT NOT NULL DEFAULT '{}',
  created_at  INTEGER NOT NULL,
  -- boot and version in which its bridge and its rules were made; NULL: nothing of it is in the kernel
  live_boot   TEXT,
  -- when the last container left it; means nothing while somebody is on it
  idle_since  INTEGER
) STRICT;

-- At most one process waits to take down the networks that nobody has come back to.
CREATE TABLE network_keeper (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  pid         INTEGER NOT NULL,
  start_time  INTEGER NOT NULL
) STRICT;

CREATE TABLE subnets (
  network     TEXT NOT NULL REFERENCES networks (id) ON DELETE CASCADE,
  subnet      TEXT NOT NULL,
  gateway     TEXT NOT NULL,
  -- addresses are taken from here; NULL: from all of the subnet
  ip_range    TEXT,
  -- JSON object: name → address that nobody gets
  auxiliary   TEXT NOT NULL DEFAULT '{}',
  -- chosen by us and not by the user: may be changed while nobody uses it
  chosen      INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (network, subnet)
) STRICT;

CREATE TABLE endpoints (
  id          TEXT PRIMARY KEY,
  network     TEXT NOT NULL REFERENCES networks (id),
  container   TEXT NOT NULL,
  container_name TEXT NOT NULL,
  -- inside: eth0, eth1 …
  interface   TEXT NOT NULL,
  mac         TEXT NOT NULL,
  ipv4        TEXT,
  ipv6        TEXT,
  -- JSON list of the names by which others find it
  names       TEXT NOT NULL DEFAULT '[]',
  -- JSON list of what is published through it
  ports       TEXT NOT NULL DEFAULT '[]',
  UNIQUE (network, container),
  UNIQUE (container, interface)
) STRICT;

CREATE TABLE addresses (
  network     TEXT NOT NULL,
  address     TEXT NOT NULL,
  endpoint    TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
  PRIMARY KEY (network, address)
) STRICT;
CREATE INDEX addresses_by_endpoint ON addresses (endpoint);

-- What was changed of the host, and how it was before.
CREATE TABLE host_settings (
  path        TEXT PRIMARY KEY,
  before      TEXT NOT NULL
) STRICT;
`
