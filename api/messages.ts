/** Every other text that clients see, in both languages, and how the text of an error is chosen. */
import {
  EngineError,
  type Failure,
  type HostingTrouble,
  type Operation,
  type OperationKind,
} from '../engine';
import { errorMessages, textOf } from './error-messages';
import { HttpError } from './http-error';
import { sshKeyMessages } from './ssh-key-messages';
import type { Language, Text } from './language';

const text = (en: string, ko: string): Text => ({ en, ko });

export const successMessages = {
  account_created: text('Account created', '계정이 만들어졌습니다.'),
  account_shown: text('Your account', '내 계정 정보입니다.'),
  password_changed: text(
    'Your password has been changed; all other sessions have ended',
    '비밀번호가 변경되었고 다른 모든 세션이 종료되었습니다.',
  ),
  token_made: text(
    'Save the token now: it will not be shown again',
    '토큰은 다시 표시되지 않으므로 지금 보관하세요.',
  ),
  tokens_listed: text('Your API tokens, newest first', 'API 토큰 목록입니다(최신순).'),
  audit_listed: text('The audit log, newest first', '감사 로그입니다(최신순).'),
  hosting_ready: text('Your hosting is ready', '호스팅이 준비되었습니다.'),
  hosting_accepted: text(
    'Your hosting is being created; follow the operation',
    '호스팅을 생성하고 있습니다. 작업 상태를 확인하세요.',
  ),
  hosting_shown: text('Your hosting', '내 호스팅 정보입니다.'),
  hosting_awake: text('Your hosting is awake', '호스팅이 깨어 있습니다.'),
  hosting_waking: text(
    'Your hosting is waking up; follow the operation',
    '호스팅을 깨우고 있습니다. 작업 상태를 확인하세요.',
  ),
  hosting_removed: text('The hosting has been deleted', '호스팅이 삭제되었습니다.'),
  hosting_removing: text(
    'The hosting is being deleted; follow the operation',
    '호스팅을 삭제하고 있습니다. 작업 상태를 확인하세요.',
  ),
  removal_shown: text('What a removal would delete', '제거하면 삭제될 내용입니다.'),
  labels_shown: text('The labels of the account', '계정의 라벨입니다.'),
  labels_set: text('The labels of the account have been saved', '계정의 라벨을 저장했습니다.'),
  hostings_listed: text('Hostings, oldest first', '호스팅 목록입니다(오래된 순).'),
  hosting_deleted: text('Your hosting has been deleted', '호스팅이 삭제되었습니다.'),
  hosting_deleting: text(
    'Your hosting is being deleted; follow the operation',
    '호스팅을 삭제하고 있습니다. 작업 상태를 확인하세요.',
  ),
  operation_shown: text('The operation', '작업 정보입니다.'),
  operations_listed: text('Operations, newest first', '작업 목록입니다(최신순).'),
  operation_cancelling: text(
    'The operation has been asked to stop and roll back',
    '작업을 중단하고 롤백하도록 요청했습니다.',
  ),
  plan_shown: text('What an apply would change', '적용하면 변경될 내용입니다.'),
  plan_pending: text(
    'The plan is being made; follow the operation',
    '계획을 생성하고 있습니다. 작업 상태를 확인하세요.',
  ),
  plan_applied: text('The hosting matches its specification', '호스팅이 명세와 일치합니다.'),
  plan_applying: text(
    'The plan is being applied; follow the operation',
    '계획을 적용하고 있습니다. 작업 상태를 확인하세요.',
  ),
  runs_listed: text('Terraform runs, newest first', 'Terraform 실행 목록입니다(최신순).'),
  run_shown: text('The run', 'Terraform 실행 기록입니다.'),
  domains_listed: text('The domains of your hosting', '호스팅의 도메인입니다.'),
  domain_added: text(
    'Prove that the domain is yours with the TXT record or the file, then verify it',
    'TXT 레코드나 파일로 도메인 소유권을 증명한 뒤 확인을 요청하세요.',
  ),
  domain_verified: text(
    'The domain has been verified and leads to your hosting',
    '도메인 소유권이 확인되어 호스팅에 연결되었습니다.',
  ),
  drift_shown: text('How hostings differ from their specification', '호스팅과 명세의 차이입니다.'),
  healthy: text('The service is up', '서비스가 정상입니다.'),
  degraded: text('The service is up, but degraded', '서비스가 일부 제한된 상태로 동작 중입니다.'),
  version_shown: text('The running version', '현재 실행 중인 버전입니다.'),
} satisfies Readonly<Record<string, Text>>;
export type SuccessKey = keyof typeof successMessages;

/** What is wrong with a hosting that should be running. */
export const troubleMessages: Readonly<Record<HostingTrouble, Text>> = {
  off: text(
    'The virtual machine is off; POST /api/v1/host/my/wake starts it',
    '가상 머신이 꺼져 있습니다. POST /api/v1/host/my/wake로 켤 수 있습니다.',
  ),
  paused: text(
    'The virtual machine is paused; POST /api/v1/host/my/wake resumes it, unless the server has no room for its disk',
    '가상 머신이 일시 정지되어 있습니다. 서버의 디스크 공간이 부족하지 않다면 POST /api/v1/host/my/wake로 재개할 수 있습니다.',
  ),
  unreachable: text(
    'The virtual machine is running but cannot be reached; the operator has been notified. If you changed its network settings, its console shows why',
    '가상 머신이 실행 중이지만 연결할 수 없으며 운영자에게 알렸습니다. 네트워크 설정을 변경했다면 콘솔에서 원인을 확인할 수 있습니다.',
  ),
  lost: text(
    'The virtual machine is gone from the server; POST /api/v1/host/my/apply restores it, with its disk if the disk still exists',
    '가상 머신이 서버에서 사라졌습니다. POST /api/v1/host/my/apply로 복구할 수 있으며 디스크가 남아 있으면 그대로 사용합니다.',
  ),
};

/** What schemas say of a field; a schema names one of these keys as its message. */
export const fieldMessages = {
  required: text('is required', '필수 항목입니다.'),
  unknown_field: text('is not a known field', '알 수 없는 항목입니다.'),
  body_required: text('a request body is required', '요청 본문이 필요합니다.'),
  email_invalid: text(
    'must be an e-mail address and nothing else, such as mina@example.com',
    'mina@example.com과 같은 이메일 주소만 입력하세요.',
  ),
  email_too_long: text('must be at most 254 characters', '254자를 넘을 수 없습니다.'),
  password_too_short: text('must be at least 10 characters', '10자 이상이어야 합니다.'),
  password_too_long: text('must be at most 128 characters', '128자를 넘을 수 없습니다.'),
  password_common: text(
    'is too common; choose another, such as four words of your own',
    '너무 흔한 비밀번호입니다. 직접 고른 단어 네 개를 이어 쓰는 등 다른 비밀번호를 사용하세요.',
  ),
  password_personal: text(
    'must not be your e-mail or username',
    '이메일이나 사용자 이름과 같을 수 없습니다.',
  ),
  username_invalid: text(
    'must be 3 to 32 characters (a-z, 0-9, dash), starting with a letter and not ending with a dash, such as mina-kim',
    '영문 소문자, 숫자, 하이픈으로 이루어진 3~32자여야 하며, 영문 소문자로 시작하고 하이픈으로 끝나지 않아야 합니다(예: mina-kim).',
  ),
  username_reserved: text('is reserved; choose another', '예약된 이름입니다. 다른 이름을 사용하세요.'),
  ...sshKeyMessages,
  ssh_key_too_long: text('must be at most 16384 characters', '16384자를 넘을 수 없습니다.'),
  idempotency_key_invalid: text(
    'must be 1 to 255 printable ASCII characters',
    '출력 가능한 ASCII 문자 1~255자여야 합니다.',
  ),
  label_invalid: text(
    'must have a name of up to 32 characters (a-z, 0-9, dash), starting with a letter, and a value of 1 to 64 characters (letters, digits, dot, dash, underscore), such as course=cs101',
    '이름은 영문 소문자로 시작하는 영문 소문자, 숫자, 하이픈(최대 32자), 값은 영문, 숫자, 점, 하이픈, 밑줄(1~64자)이어야 합니다(예: course=cs101).',
  ),
  names_invalid: text(
    'must be up to 100 names of letters, digits and dashes, separated by commas',
    '영문, 숫자, 하이픈으로 된 이름을 쉼표로 구분하여 최대 100개까지 보낼 수 있습니다.',
  ),
  labels_too_many: text('must have at most 16 labels', '라벨은 최대 16개까지 지정할 수 있습니다.'),
  token_name_invalid: text(
    'must be 1 to 64 characters without line breaks',
    '줄바꿈 없이 1~64자여야 합니다.',
  ),
  token_days_invalid: text('must be a whole number from 1 to 365', '1부터 365까지의 정수여야 합니다.'),
  token_scopes_invalid: text(
    'must be one or more of hosting:read, hosting:write and admin, without repetition',
    'hosting:read, hosting:write, admin 중 하나 이상을 중복 없이 지정해야 합니다.',
  ),
  domain_invalid: text(
    'must be a single domain name, such as www.example.org; no path, port, IP address or *',
    'www.example.org와 같은 도메인 이름 하나만 입력하세요. 경로, 포트, IP 주소, *는 쓸 수 없습니다.',
  ),
  identifier_invalid: text(
    'is not a valid identifier; copy it from a list or a response',
    '올바른 식별자가 아닙니다. 목록이나 응답에 있는 값을 그대로 사용하세요.',
  ),
} satisfies Readonly<Record<string, Text>>;
export type FieldKey = keyof typeof fieldMessages;

export function messageOf(error: EngineError | HttpError, language: Language): string {
  const text = error instanceof EngineError ? textOf(error) : (error.text ?? errorMessages[error.code]);
  return text[language];
}

/** Who can resume a stuck operation, and how. */
const stuckAdvice = {
  byOwner: text(
    'The operation is stuck and still holds its resources; once the cause is gone, DELETE /api/v1/host/my resumes it',
    '작업이 중단된 채 자원을 점유하고 있습니다. 원인이 해결된 뒤 DELETE /api/v1/host/my를 보내면 이어서 처리합니다.',
  ),
  byOperator: text(
    'The operation is stuck and holds its resources until an operator resumes it: webhoster doctor --fix',
    '작업이 중단된 채 자원을 점유하고 있습니다. 운영자가 webhoster doctor --fix로 이어서 처리해야 합니다.',
  ),
};
const ownersKinds: readonly OperationKind[] = ['create-hosting', 'claim-spare', 'delete-hosting'];

/**
 * The same for a failure that a hosting or an operation carries.
 *
 * @param operation  when it is stuck, the text also says what to do next
 */
export function failureMessage(
  failure: Failure,
  language: Language,
  operation?: Pick<Operation, 'kind' | 'status'>,
): string {
  const message = textOf(failure)[language];
  if (operation?.status !== 'stuck') return message;
  const advice = stuckAdvice[ownersKinds.includes(operation.kind) ? 'byOwner' : 'byOperator'][language];
  return `${message.replace(/\.$/, '')}. ${advice}`;
}
