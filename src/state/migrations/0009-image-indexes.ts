/** Images of several platforms under one name: a tag stands for an index, and for each of its images that is here. */
export const imageIndexesSchema = `
CREATE TABLE image_tags_of_indexes (
  repository TEXT NOT NULL,                -- docker.io/library/busybox
  tag TEXT NOT NULL,
  image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  tagged_at_ms INTEGER NOT NULL,
  index_digest TEXT,                       -- what the tag stands for where that is not the manifest of the image
  PRIMARY KEY (repository, tag, image_id)
) STRICT;
INSERT INTO image_tags_of_indexes SELECT repository, tag, image_id, tagged_at_ms, NULL FROM image_tags;
DROP TABLE image_tags;
ALTER TABLE image_tags_of_indexes RENAME TO image_tags;
CREATE INDEX image_tags_of_image ON image_tags (image_id);

-- Indexes that were made here, by their digest, which stands for them as the id of an image does for the image.
CREATE TABLE image_indexes (
  digest TEXT NOT NULL,
  image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  PRIMARY KEY (digest, image_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_indexes_of_image ON image_indexes (image_id);
`
