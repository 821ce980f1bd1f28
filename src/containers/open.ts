/** Opens the container room. Nothing heavy is loaded before a method needs it. */
import { isActive } from './lifecycle.ts'
import { networksNamed, recordsOfImage } from './records.ts'
import type { ContainerRoom } from './room.ts'
import type { ContainerEngine } from './types.ts'

export function openContainerEngine(room: ContainerRoom): ContainerEngine {
  return {
    run: async (request, io) => (await import('./run.ts')).runContainer(room, request, io),
    create: async (request, io) => (await import('./create.ts')).createOnly(room, request, io),
    start: async (name, options = {}, io) =>
      (await import('./start-again.ts')).startNamed(room, name, { ...options, io }),
    stop: async (name, options = {}) => (await import('./stop.ts')).stopContainer(room, name, options),
    restart: async (name, options = {}) => (await import('./restart.ts')).restartContainer(room, name, options),
    kill: async (name, signal) => (await import('./kill.ts')).killContainer(room, name, signal),
    pause: async (name) => (await import('./pause.ts')).pauseContainer(room, name),
    unpause: async (name) => (await import('./pause.ts')).unpauseContainer(room, name),
    wait: async (name, signal) => (await import('./wait.ts')).waitForContainer(room, name, signal),
    list: async (options = {}) => (await import('./list.ts')).listContainers(room, options),
    remove: async (name, options = {}) => (await import('./remove.ts')).removeContainer(room, name, options),
    rename: async (name, to) => (await import('./rename.ts')).renameContainer(room, name, to),
    update: async (name, flags) => (await import('./update.ts')).updateContainer(room, name, flags),
    connect: async (name, network, flags) =>
      (await import('./networks/connect.ts')).connectContainer(room, name, { network, flags }),
    disconnect: async (name, network, options) =>
      (await import('./networks/connect.ts')).disconnectContainer(room, name, { network, ...options }),
    prune: async (filters) => (await import('./prune.ts')).pruneContainers(room, filters),
    logs: async function* logs(names, options) {
      yield* (await import('./logs/read.ts')).readLogs(room, names, options)
    },
    tried: async (name) => (await import('./networks/tried.ts')).triedBy(room, name),
    clearLogs: async (name) => (await import('./logs/clear.ts')).clearLogs(room, name),
    exec: async (name, request, io) => (await import('./exec/exec.ts')).execInContainer(room, name, { request, io }),
    attach: async (name, options, io) =>
      (await import('./attach/attach.ts')).attachContainer(room, name, { options, io }),
    debug: async (name, request, io) => (await import('./exec/debug.ts')).debugContainer(room, name, { request, io }),
    top: async (name, words) => (await import('./top.ts')).processTable(room, name, words),
    stats: async (name) => (await import('./stats.ts')).sampleStats(room, name),
    inspect: async (name, options = {}) => (await import('./inspect/inspect.ts')).inspectContainer(room, name, options),
    asCommand: async (name) => (await import('./inspect/as-command.ts')).containerAsCommand(room, name),
    ports: async (name) => (await import('./ports.ts')).containerPorts(room, name),
    copy: async (request, io) => (await import('./files/copy.ts')).copyFiles(room, request, io),
    changes: async (name) => (await import('./files/changes.ts')).containerChanges(room, name),
    commit: async (name, options) => (await import('./files/commit.ts')).commitContainer(room, name, options),
    export: async (name, output, signal) =>
      (await import('./files/export.ts')).exportContainer(room, name, { output, signal }),
    exited: async (id) => (await import('./exited.ts')).recordExit(room, id),
    execEnded: async (id, execId) => (await import('./exec/ended.ts')).recordExecEnd(room, id, execId),
    restartDue: async (id) => (await import('./restart-due.ts')).restartDue(room, id),
    forwardLogs: async (id, ready) => (await import('./logs/forward.ts')).forwardLogs(room, id, ready),
    probe: async (id) => (await import('./health/probe.ts')).probeContainer(room, id),
    check: async (options) => (await import('./check.ts')).checkContainers(room, options),
    settle: async (ids) => (await import('./networks/users.ts')).settleContainers(room, ids),
    namedNetworks: () => networksNamed(room.database),
    usersOf: (imageId) =>
      recordsOfImage(room.database, imageId).map(({ id, name, state }) => ({ id, name, running: isActive(state) })),
  }
}
