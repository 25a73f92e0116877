/** Who gives the stories' commands. */
import type { Caller } from '../support/server.ts';

const caller = (client: string, user: string, purpose = 'SAFEGUARDING'): Caller => ({ client, user, purpose });

export const worker = caller('occ-social-care', 'grace.whitlock');
export const frontDoor = caller('occ-front-door', 'philippa.nunn');
export const specialist = caller('team-07-workbook', 'jonah.pryce');
export const health = caller('oxford-health-visiting', 'amara.osei');
export const school = caller('school-tansy-bridge-pastoral', 'owen.lathbury');
export const police = caller('thames-valley-police-protection', 'harriet.coyle');
export const housing = caller('cherwell-housing-desk', 'dilys.penrose', 'HOUSING_DUTY');
export const provider = caller('turning-point-casework', 'callum.strand');
