/** The known word that a mistyped one probably meant; undefined when none is near. */
export function closest(typed: string, known: readonly string[]): string | undefined {
  const allowed = Math.max(1, Math.floor(typed.length / 3))
  const ranked = known
    .map((word) => ({ word, distance: editDistance(typed, word) }))
    .filter(({ distance }) => distance <= allowed)
    .sort((left, right) => left.distance - right.distance)
  return ranked[0]?.word
}

/** How many characters must be put in, taken out, changed, or exchanged with their neighbours (optimal string alignment). */
function editDistance(left: string, right: string): number {
  let before: number[] = []
  let row = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (const [index, character] of [...left].entries()) {
    const next = [index + 1]
    for (let column = 1; column <= right.length; column++) {
      const change = (row[column - 1] ?? 0) + (right[column - 1] === character ? 0 : 1)
      const swapped = right[column - 2] === character && right[column - 1] === left[index - 1]
      const swap = swapped ? (before[column - 2] ?? index) + 1 : change
      next.push(Math.min(change, swap, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row.at(-1) ?? 0
}
