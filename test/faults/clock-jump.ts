/** Loaded before a command (`--import`): its clock is wrong by CLOCK_JUMP_MS. */
const jumpMs = Number(process.env['CLOCK_JUMP_MS'] ?? 0)
const RealDate = globalThis.Date
const now = () => RealDate.now() + jumpMs

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args) => (args.length === 0 ? new target(now()) : Reflect.construct(target, args)),
  get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
})
