/** What a Dockerfile leaves unsaid. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
export const DEFAULT_SHELL: readonly string[] = ['/bin/sh', '-c']
/** The same in every build: what a step writes shall not depend on where it ran. */
export const HOSTNAME = 'buildkitsandbox'
