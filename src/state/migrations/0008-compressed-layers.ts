/** Which blob a layer becomes when it is compressed, so that it is compressed once. */
export const compressedLayersSchema = `
-- The blob is kept by the images that have it; the row goes with it.
CREATE TABLE compressed_layers (
  diff_id     TEXT NOT NULL,
  compression TEXT NOT NULL,                -- none, gzip or zstd
  level       INTEGER NOT NULL,
  blob        TEXT NOT NULL,
  blob_bytes  INTEGER NOT NULL,
  PRIMARY KEY (diff_id, compression, level)
) STRICT, WITHOUT ROWID;
CREATE INDEX compressed_layers_by_blob ON compressed_layers (blob);
`
