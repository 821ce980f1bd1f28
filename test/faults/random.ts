/** Chance that repeats itself: the same seed gives the same choices. */
export interface Random {
  /** 0 ≤ n < limit */
  below(limit: number): number
  pick<Item>(items: readonly Item[]): Item
  /** By weight. */
  weighted<Item extends { readonly weight: number }>(items: readonly Item[]): Item
}

/** mulberry32: short, and good enough for choices. */
export function openRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[below(items.length)]
    if (item === undefined) throw new Error('nothing to choose from')
    return item
  }
  return {
    below,
    pick,
    weighted: (items) => {
      let left = next() * items.reduce((sum, { weight }) => sum + weight, 0)
      const found = items.find(({ weight }) => {
        left -= weight
        return left < 0
      })
      return found ?? pick(items)
    },
  }
}
