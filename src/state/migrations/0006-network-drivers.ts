/** Networks that are no bridge of ours, but links below one of the host's. */
export const networkDriversSchema = `
ALTER TABLE networks ADD COLUMN driver TEXT NOT NULL DEFAULT 'bridge';
`
