/** The same Dockerfiles through docker's BuildKit and through ours: equal image configs, equal refusals. */
import assert from 'node:assert/strict'
import { before, describe, it } from 'mocha'
import { DockerfileInvalid } from '../../../src/build/dockerfile/errors.ts'
import { type DockerBuild, startDockerBuilder } from '../../support/docker-build.ts'
import { needsDocker } from '../../support/docker-daemon.ts'
import { expandAll } from '../../support/dockerfiles.ts'
import { applyInstruction, configOfDocker, emptyConfig, type ImageConfig } from '../../support/image-config.ts'

const HEAD = 'FROM scratch\nENV x=X empty= two="a  b" path=/usr/lib\n'

const BUILD_ARGS = { given: 'value', unused: 'x' }

/** What docker of Debian 12 knows already. */
const UNDERSTOOD: Readonly<Record<string, string>> = {
  'quotes and escapes in pairs': String.raw`ENV a="x y" b='x "y"' c=x\ y d="a\"b" e="a\'b"
ENV g="$x" h='$x' i=\$x j="\$x" k=a\\b l="a\\b" m='' n="" o=a"b"'c'd
LABEL "a b"="c d" e.f=g\
  i=j
ENV p $x "y" 'z' \
  q
LABEL r s  t`,
  'variables in all places': `ENV a=$x\${x}$x$ b=\${empty:-d}\${no:-$x}\${no:+y}\${x:+z} c=$no d=$1$2 e=\${x}y f=$xy
WORKDIR /$x
WORKDIR sub/$two/../t
USER $x:$empty
VOLUME /$x $two
VOLUME ["/$x/y z"]
EXPOSE 80 81$empty
LABEL $x=$path
STOPSIGNAL \${no:-SIGTERM}`,
  'ARG and its scope': `ARG a=1 
ARG b=$a-$x
ARG x
ARG given=default
ENV c=$a$b$given d=$x e=$late
ARG late=3
ENV f=$late`,
  'lines that go on': 'ENV a=1 \\\n  # comment\n\n  b=2 \\\n\tc=3 \\ \t\n d=4\n  \nLABEL \\\n x=y\r\nUSER \\\nu',
  'command lines': String.raw`SHELL ["/bin/x", "-c"]
ENTRYPOINT  a  "b" 	c 
CMD [ "a", "\u0061\n", "$x" ]
HEALTHCHECK --interval=1m30s --timeout=5s --start-period=1s --retries=7 CMD curl  $x || exit 1
ONBUILD RUN  a   b
ONBUILD COPY --from=x  a "b c"  /
ONBUILD ENV a=$x`,
  'JSON that is none': `CMD ['a', "b"]\nENTRYPOINT ["a", "b"\nHEALTHCHECK NONE\nVOLUME [a b]`,
  ports: 'EXPOSE 80 80/tcp 81/UDP 90-92 100-101/sctp\nEXPOSE 127.0.0.1:8080:82 [::1]:1:83/udp',
  'another escape character': '#  escape = `\nFROM scratch\nENV a=c:\\x b=`$x` c="`"" `\n d=e',
}

const REFUSED: readonly string[] = [
  'RUNN x',
  'COPY x',
  'ENV a',
  'ENV a=1 b',
  'ENV =x',
  'ENV a="x',
  "ENV a='x",
  'ENV a=${x',
  'ENV a=${}',
  'ENV a=${x^}',
  'CMD ["a", 1]',
  'SHELL x',
  'EXPOSE x',
  'EXPOSE 70000',
  'EXPOSE 80/http',
  'STOPSIGNAL nothing',
  'HEALTHCHECK x',
  'HEALTHCHECK --interval=x CMD y',
  'HEALTHCHECK NONE x',
  'ONBUILD ONBUILD RUN x',
  'ONBUILD FROM x',
  'COPY --what=x a b',
  'COPY --from=x --from=y a b',
  'VOLUME [""]',
  'FROM a b c',
  'FROM a AS 1x',
  'COPY --from=5 a b',
]

describe('a Dockerfile means to docker what it means here', () => {
  const built = new Map<string, DockerBuild>()

  before(async function () {
    needsDocker(this)
    await using docker = await startDockerBuilder()
    const all = [...Object.values(UNDERSTOOD).map(withHead), ...REFUSED.map(withHead)]
    await Promise.all(all.map(async (text) => built.set(text, await docker.build(text, BUILD_ARGS))))
  })

  for (const [name, text] of Object.entries(UNDERSTOOD))
    it(`in ${name}`, () => {
      const image = built.get(withHead(text))
      assert(image !== undefined && !('error' in image), JSON.stringify(image))
      assert.deepEqual(configOf(withHead(text)), configOfDocker(image.config))
    })

  for (const text of REFUSED)
    it(`in ${text}, which both refuse`, () => {
      const image = built.get(withHead(text))
      assert(image !== undefined && 'error' in image, JSON.stringify(image))
      assert.throws(() => configOf(withHead(text)), DockerfileInvalid)
    })
})

function withHead(text: string): string {
  return /^FROM|^#/.test(text) ? text : `${HEAD}${text}\n`
}

function configOf(dockerfile: string): ImageConfig {
  const config = emptyConfig()
  for (const instruction of expandAll(dockerfile, { buildArgs: BUILD_ARGS, environment: config.Env }).expanded)
    applyInstruction(config, instruction)
  return config
}
