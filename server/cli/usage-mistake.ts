/** Wrong use of a command: printed as one line, exit 2. */
export class UsageMistake extends Error {}
