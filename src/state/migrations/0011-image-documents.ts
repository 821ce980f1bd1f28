/** What most commands want of an image, in one place and checked already, so that they need not hash files again. */
export const imageDocumentsSchema = `
CREATE TABLE image_documents (
  image_id TEXT PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE,
  manifest TEXT NOT NULL,                   -- digest of the manifest that this is: an image may get another one
  manifest_content BLOB NOT NULL,
  config_content BLOB NOT NULL
) STRICT;
`
