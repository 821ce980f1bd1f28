/** Several streams of log entries as one. */

type Timed = { readonly timeNs: bigint }

/** By time; entries of one stream keep their order even where the clock jumped back. */
export async function* mergeByTime<Entry extends Timed>(
  streams: readonly AsyncGenerator<Entry>[],
): AsyncGenerator<Entry> {
  const heads = await Promise.all(streams.map(async (stream) => ({ stream, head: await stream.next() })))
  for (;;) {
    let earliest: (typeof heads)[number] | undefined
    for (const candidate of heads) {
      if (candidate.head.done) continue
      if (earliest === undefined || earliest.head.done || candidate.head.value.timeNs < earliest.head.value.timeNs)
        earliest = candidate
    }
    if (earliest === undefined || earliest.head.done) return
    yield earliest.head.value
    earliest.head = await earliest.stream.next()
  }
}

/** As they come; ends when all have ended. */
export async function* mergeLive<Entry>(streams: readonly AsyncGenerator<Entry>[]): AsyncGenerator<Entry> {
  const pending = new Map(streams.map((stream) => [stream, take(stream)]))
  try {
    while (pending.size > 0) {
      const { stream, result } = await Promise.race(pending.values())
      if (result.done) pending.delete(stream)
      else {
        yield result.value
        pending.set(stream, take(stream))
      }
    }
  } finally {
    for (const stream of pending.keys()) void stream.return(undefined)
  }
}

async function take<Entry>(
  stream: AsyncGenerator<Entry>,
): Promise<{ readonly stream: AsyncGenerator<Entry>; readonly result: IteratorResult<Entry> }> {
  return { stream, result: await stream.next() }
}
