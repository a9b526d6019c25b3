/** Says what a start is waiting for, if it waits long: whoever started it sees more than silence. */
export type StartProgress = {
  at(what: string): void
  end(): void
}

const patienceMilliseconds = 10_000

export function startProgress(tell: (text: string) => void, patience: number = patienceMilliseconds): StartProgress {
  const began = performance.now()
  let waitingFor = 'the configuration'
  const timer = setInterval(() => {
    tell(`Still starting after ${Math.round((performance.now() - began) / 1_000)} s: waiting for ${waitingFor}.`)
  }, patience)
  return {
    at(what) {
      waitingFor = what
    },
    end: () => clearInterval(timer),
  }
}
