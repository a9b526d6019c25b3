/** The fixture of the AuthZEN 1.0 certification profile: who may do what to records. */
export const recordPolicies = {
  'records.fbac': `
@wire("user")
entity Person {
  @suppliable role?: String
  @suppliable department?: String
}

@wire("record")
entity Record {
  @suppliable status?: String
  @suppliable owner?: String
}

action read on Record by Person with { method?: String }
action write on Record by Person
action delete on Record by Person with { soft?: Bool }

@id("read-all")
allow read on Record to Person

@id("write-active")
allow write on record: Record to person: Person
  when person == Person::"alice" and (record.status ?? "active") != "archived"

@id("write-admin")
allow write on Record to person: Person
  when (person.role ?? "") == "admin"

@id("delete-soft")
allow delete on Record to person: Person
  when person == Person::"alice" and (context.soft ?? false)
`,
}
