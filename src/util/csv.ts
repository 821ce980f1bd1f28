/** One line of CSV: a field in double quotes may hold commas, `""` is a quote. undefined for a quote that stands elsewhere. */
export function splitCsv(text: string): readonly string[] | undefined {
  const fields: string[] = []
  const pattern = /"((?:[^"]|"")*)"(?:,|$)|([^",]*)(?:,|$)/y
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text)
    if (match === null) return undefined
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
  }
  return fields
}
