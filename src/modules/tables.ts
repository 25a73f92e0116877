/** Every table of the product, registered by being imported. */
import './sharing/tables.ts';
import './person/tables.ts';
import './family/tables.ts';
import './plan/legal.ts';
import './plan/tables.ts';
import './workbook/tables.ts';
import './intervention/tables.ts';
import './district/tables.ts';
import './safety/tables.ts';
import './circumstance/tables.ts';
import './outcome/tables.ts';
import './clock/tables.ts';
import './assessment/tables.ts';
import './tool/tables.ts';
import './contact/tables.ts';
import '../change/tables.ts';
import '../disclosure/tables.ts';
