/** Runs work over a list, so many at once; the first failure stops the rest. */

export interface ParallelOptions {
  readonly limit: number
  readonly signal?: AbortSignal | undefined
}

/** @returns results in the order of `items`. Rejects with the first failure, after everything under way has ended. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number, signal: AbortSignal) => Promise<Result>,
  options: ParallelOptions,
): Promise<readonly Result[]> {
  const stop = new AbortController()
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal])
  const results: Result[] = new Array(items.length)
  const queue = items.entries()
  let failure: { readonly error: unknown } | undefined
  const worker = async () => {
    for (const [index, item] of queue) {
      if (failure !== undefined) return
      try {
        results[index] = await work(item, index, signal)
      } catch (error) {
        failure ??= { error }
        stop.abort(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.limit, items.length) }, worker))
  if (failure !== undefined) throw failure.error
  return results
}
