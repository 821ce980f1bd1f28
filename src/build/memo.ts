/** Work that several parts of a build ask for, begun once. */
export type Memo = <Result>(key: string, make: () => Promise<Result>) => Promise<Result>

export function openMemo(): Memo {
  const known = new Map<string, Promise<unknown>>()
  return <Result>(key: string, make: () => Promise<Result>) => {
    const found = (known.get(key) as Promise<Result> | undefined) ?? make()
    known.set(key, found)
    found.catch(() => {}) // whoever asked hears of it
    return found
  }
}
