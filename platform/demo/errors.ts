import { refusals } from '../../server/module.ts'

export const errors = refusals({
  demo_page_not_found: { status: 404, title: 'The sample app has no such page.' },
  demo_foreign_form: { status: 403, title: 'The form was sent from another site.' },
})
