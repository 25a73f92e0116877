import { type Binding, byId, code, column, type FieldBinding, list, one, page } from '../../read/binding.ts';
import { keptFrom, latestBy } from '../meeting/binding.ts';
import { adultVoice, adultVoiceAnswer, childVoice, childVoiceAnswer, relationshipFeedback, trustedAdult } from './tables.ts';

const sameFamily = { sameFamily: true };

function voice(
  type: string,
  table: typeof childVoice | typeof adultVoice,
  answer: typeof childVoiceAnswer | typeof adultVoiceAnswer,
): Binding[] {
  return [
    {
      type,
      anchor: table,
      id: 'id',
      event: { at: table.saidOn },
      fields: {
        person: one('Person', table.person, 'person', { samePerson: true }),
        words: column(table.words),
        medium: code('voice-medium', table.medium),
        on: column(table.saidOn),
        heardBy: column(table.heardBy),
        wants: column(table.wants),
        answers: list(`${type}Answer`, 'voice', 'id', byId, { ...sameFamily, samePerson: true }),
        keptFrom,
        organisation: one('Organisation', table.controller, 'id'),
        family: one('Family', table.family, 'family'),
        ...(table === childVoice ? { mayKnow: code('child-agrees', childVoice.mayKnow) } : {}),
        version: column(table.version),
      },
    },
    {
      type: `${type}Answer`,
      anchor: answer,
      id: 'id',
      fields: { done: column(answer.done), on: column(answer.doneOn), by: column(answer.doneBy) },
    },
  ];
}

export const bindings: Binding[] = [
  ...voice('ChildVoice', childVoice, childVoiceAnswer),
  ...voice('AdultVoice', adultVoice, adultVoiceAnswer),
  {
    type: 'TrustedAdult',
    anchor: trustedAdult,
    id: 'id',
    event: { at: trustedAdult.from },
    fields: {
      person: one('Person', trustedAdult.person, 'person', { samePerson: true }),
      name: column(trustedAdult.name),
      role: column(trustedAdult.role),
      from: column(trustedAdult.from),
      until: column(trustedAdult.until),
      keptFrom,
      version: column(trustedAdult.version),
    },
  },
  {
    type: 'RelationshipFeedback',
    anchor: relationshipFeedback,
    id: 'id',
    event: { at: relationshipFeedback.saidOn },
    fields: {
      person: one('Person', relationshipFeedback.person, 'person', { samePerson: true }),
      about: column(relationshipFeedback.about),
      listened: column(relationshipFeedback.listened),
      comfortable: column(relationshipFeedback.comfortable),
      independence: column(relationshipFeedback.independence),
      knewMe: column(relationshipFeedback.knewMe),
      words: column(relationshipFeedback.words),
      on: column(relationshipFeedback.saidOn),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: {
    childVoices: page('ChildVoice', 'family', 'family', latestBy('said_on', 'date'), sameFamily),
    adultVoices: page('AdultVoice', 'family', 'family', latestBy('said_on', 'date'), sameFamily),
    trustedAdults: list('TrustedAdult', 'family', 'family', byId, sameFamily),
    relationshipFeedback: list('RelationshipFeedback', 'family', 'family', byId, sameFamily),
  },
};
