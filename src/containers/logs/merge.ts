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
  // No Promise.race: each call would hang one more reaction on the promise of a container that is silent.
  const ready = openQueue<Taken<Entry>>()
  const pending = new Set(streams)
  const ask = (stream: AsyncGenerator<Entry>) => void take(stream).then(ready.push, ready.fail)
  for (const stream of streams) ask(stream)
  try {
    while (pending.size > 0) {
      const { stream, result } = await ready.next()
      if (result.done) pending.delete(stream)
      else {
        yield result.value
        ask(stream)
      }
    }
  } finally {
    for (const stream of pending) void stream.return(undefined)
  }
}

interface Taken<Entry> {
  readonly stream: AsyncGenerator<Entry>
  readonly result: IteratorResult<Entry>
}

/** What has come and nobody has taken yet: at most one of each stream. */
function openQueue<Item>() {
  const items: Promise<Item>[] = []
  let wake = () => {}
  const add = (item: Promise<Item>) => {
    item.catch(() => {}) // seen by whoever takes it
    items.push(item)
    wake()
  }
  return {
    push: (item: Item) => add(Promise.resolve(item)),
    fail: (error: unknown) => add(Promise.reject(error)),
    async next(): Promise<Item> {
      for (;;) {
        const item = items.shift()
        if (item !== undefined) return item
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}

async function take<Entry>(stream: AsyncGenerator<Entry>): Promise<Taken<Entry>> {
  return { stream, result: await stream.next() }
}
