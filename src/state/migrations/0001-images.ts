/** Images and their names, what of the content store they hold on to, and who is busy with which content. */
export const imagesSchema: string = `
CREATE TABLE images (
  id TEXT PRIMARY KEY,                     -- digest of the config
  manifest TEXT NOT NULL,                  -- digest of the manifest that a push sends
  manifest_type TEXT NOT NULL,
  manifest_bytes INTEGER NOT NULL,
  kind TEXT NOT NULL,                      -- layers, module (a WASM artifact) or artifact (stored, not run)
  os TEXT NOT NULL,
  architecture TEXT NOT NULL,
  variant TEXT NOT NULL DEFAULT '',
  size_bytes INTEGER NOT NULL,             -- unpacked
  created_at_ms INTEGER NOT NULL,          -- as the config says
  stored_at_ms INTEGER NOT NULL,
  labels TEXT NOT NULL DEFAULT '{}',       -- JSON object
  doomed INTEGER NOT NULL DEFAULT 0        -- removed by the user while somebody was about to run it: collected later
) STRICT;

CREATE TABLE image_tags (
  repository TEXT NOT NULL,                -- docker.io/library/busybox
  tag TEXT NOT NULL,
  image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  tagged_at_ms INTEGER NOT NULL,
  PRIMARY KEY (repository, tag)
) STRICT;
CREATE INDEX image_tags_of_image ON image_tags (image_id);

-- Several platforms of one index share its digest.
CREATE TABLE image_digests (
  repository TEXT NOT NULL,
  digest TEXT NOT NULL,                    -- of the index where there was one, else of the manifest
  image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  PRIMARY KEY (repository, digest, image_id)
) STRICT;
CREATE INDEX image_digests_of_image ON image_digests (image_id);

-- What collection keeps: every blob and snapshot that an image is made of.
CREATE TABLE image_blobs (
  image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  digest TEXT NOT NULL,
  PRIMARY KEY (image_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_blobs_of_digest ON image_blobs (digest);

CREATE TABLE image_layers (
  image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,               -- 0 is the lowest
  chain_id TEXT NOT NULL,                  -- name of the snapshot
  diff_id TEXT NOT NULL,
  blob TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,             -- unpacked
  PRIMARY KEY (image_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_layers_of_chain ON image_layers (chain_id);

-- Unpacked size of each snapshot, so that a second image need not walk it.
CREATE TABLE snapshots (
  chain_id TEXT PRIMARY KEY,
  diff_id TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  file_count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Repositories known to hold a blob: where a push may mount it from.
CREATE TABLE blob_repositories (
  digest TEXT NOT NULL,
  registry TEXT NOT NULL,
  repository TEXT NOT NULL,
  PRIMARY KEY (digest, registry, repository)
) STRICT, WITHOUT ROWID;

-- Content that a live process is about to need; taken before looking whether it exists.
CREATE TABLE leases (
  holder TEXT NOT NULL,                    -- random, one for each operation
  kind TEXT NOT NULL,                      -- blob, snapshot or image
  key TEXT NOT NULL,
  pid INTEGER NOT NULL,
  start_time INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (kind, key, holder)
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_of_holder ON leases (holder);

-- Named locks between processes (src/state/lock.ts).
CREATE TABLE locks (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  pid INTEGER NOT NULL,
  start_time INTEGER NOT NULL,
  acquired_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`
