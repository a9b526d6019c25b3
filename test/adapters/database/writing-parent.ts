// A program that writes to the embedded database until it is killed. Prints the child's process id, then each acknowledged id.
import { openDatabase } from '../../../adapters/database/open.ts'

const database = openDatabase({ dataFolder: process.argv[2] ?? '' })
await database.query({ name: '', text: 'create table if not exists written (id int primary key)' })
process.stdout.write(`child ${database.embeddedProcessId()}\n`)
for (let id = 0; ; id++) {
  await database.query({ name: '', text: 'insert into written values ($1)' }, [id])
  process.stdout.write(`${id}\n`)
}
