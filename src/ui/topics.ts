/** Management commands: what groups of commands are about. */
export const TOPICS: Readonly<Record<string, string>> = {
  builder: 'Manage builds',
  buildx: 'Manage builds, by the words of docker buildx',
  container: 'Manage containers',
  image: 'Manage images',
  network: 'Manage networks',
  plugins: 'Manage plugins',
  system: 'Manage Coracle',
  volume: 'Manage volumes',
  wasm: 'Manage WebAssembly programs',
}
