/** Colours, only where a terminal shows them and the user has not said no (no-color.org). */

export interface Painter {
  /** The text in the nth of a few colours that are easy to tell apart. */
  paint(text: string, nth: number): string
}

/** cyan, yellow, green, magenta, blue, then the bright ones: those that are read on dark and on light. */
const COLOURS = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94]

export function openPainter(
  stream: { readonly isTTY?: boolean | undefined },
  env: NodeJS.ProcessEnv = process.env,
): Painter {
  const plain = stream.isTTY !== true || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return {
    paint: (text, nth) => (plain ? text : `\u001b[${COLOURS[nth % COLOURS.length]}m${text}\u001b[0m`),
  }
}
