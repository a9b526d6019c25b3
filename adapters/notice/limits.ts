/** PostgreSQL refuses a NOTIFY payload of 8,000 bytes or more; the rest is room for escaping. */
export const maximumPayloadBytes = 7_000
/** NAMEDATALEN - 1: PostgreSQL would cut a longer channel name. */
export const maximumChannelBytes = 63

/** Throws for a channel or payload that PostgreSQL would refuse or cut, so that every version of the bus refuses the same. */
export function checkNotice(channel: string, payload: string): void {
  const channelBytes = Buffer.byteLength(channel)
  if (channelBytes === 0 || channelBytes > maximumChannelBytes || channel.includes('\0')) {
    throw new Error(`a notice channel has 1 to ${maximumChannelBytes} bytes and no NUL: ${JSON.stringify(channel)}`)
  }
  if (Buffer.byteLength(payload) > maximumPayloadBytes || payload.includes('\0')) {
    throw new Error(`a notice payload has at most ${maximumPayloadBytes} bytes and no NUL`)
  }
}
