/**
 * Every error code, and what an error of this code says in English and in Korean. Where an error knows more than its code
 * does, it brings an English text of its own. No text names a request, a command or a path: what helps on the surface that
 * shows an error, the surface adds.
 */
const text = (en: string, ko: string): { readonly en: string; readonly ko: string } => ({ en, ko });

export const errorTexts = {
  // the caller's
  validation_failed: text('Some values are not valid', '올바르지 않은 값이 있습니다.'),
  unauthorized: text('Sign in first', '먼저 로그인하세요.'),
  invalid_credentials: text('Wrong e-mail address or password', '이메일 또는 비밀번호가 올바르지 않습니다.'),
  too_many_attempts: text(
    'Too many failed attempts for this account from your address; try again in a few minutes',
    '현재 IP 주소에서 이 계정의 인증 실패 횟수가 너무 많습니다. 몇 분 뒤에 다시 시도하세요.',
  ),
  wrong_password: text('The current password is wrong', '현재 비밀번호가 올바르지 않습니다.'),
  forbidden: text('This account is not allowed to do that', '이 계정에는 권한이 없습니다.'),
  not_found: text('Not found', '찾을 수 없습니다.'),
  hosting_not_found: text('You have no hosting', '호스팅이 없습니다.'),
  operation_not_found: text('There is no such operation', '해당 작업이 없습니다.'),
  run_not_found: text('There is no such run', '해당 실행 기록이 없습니다.'),
  token_not_found: text('You have no such API token', '해당 API 토큰이 없습니다.'),
  domain_not_found: text('Your hosting has no such domain', '호스팅에 해당 도메인이 없습니다.'),
  domain_taken: text(
    'This domain belongs to another hosting; if it is yours, ask the operator',
    '다른 호스팅에서 사용 중인 도메인입니다. 본인 소유라면 운영자에게 문의하세요.',
  ),
  domain_not_proved: text(
    'Found neither the TXT record nor the file; a new record can take a while to become visible',
    'TXT 레코드와 파일을 모두 찾지 못했습니다. 새 레코드가 전파되기까지 시간이 걸릴 수 있습니다.',
  ),
  too_many_domains: text(
    'Your hosting has reached its limit of domains; remove one first',
    '등록할 수 있는 도메인 수에 도달했습니다. 먼저 기존 도메인을 삭제하세요.',
  ),
  too_many_operations: text(
    'Too many of your operations are unfinished; wait for some to end, then try again',
    '완료되지 않은 작업이 너무 많습니다. 일부가 끝나기를 기다린 뒤 다시 시도하세요.',
  ),
  not_ended: text(
    'The plan is not finished yet; try again soon',
    '계획이 아직 완료되지 않았습니다. 잠시 후 다시 시도하세요.',
  ),
  hosting_busy: text(
    'Someone is connected to the VM, or another operation is in progress; try again later',
    'VM에 접속한 사용자가 있거나 진행 중인 작업이 있습니다. 나중에 다시 시도하세요.',
  ),
  email_taken: text('An account with this e-mail address already exists', '이미 가입된 이메일입니다.'),
  username_taken: text('This username is already taken', '이미 사용 중인 사용자 이름입니다.'),
  username_retired: text(
    'This username belonged to another account until recently; choose another, or ask an administrator to release it',
    '최근까지 다른 계정이 쓰던 사용자 이름입니다. 다른 이름을 사용하거나 관리자에게 해제를 요청하세요.',
  ),
  quota_exceeded: text(
    'You already have a hosting; delete it first',
    '한도에 도달했습니다. 먼저 기존 항목을 삭제하세요.',
  ),
  hosting_exists: text(
    'You still have a hosting; delete it first, then the account',
    '사용 중인 호스팅이 있습니다. 호스팅을 먼저 삭제한 뒤 계정을 삭제하세요.',
  ),
  ports_exhausted: text(
    'All SSH ports are in use; try again later, or ask the operator for more',
    'SSH 포트가 모두 사용 중입니다. 나중에 다시 시도하거나 운영자에게 문의하세요.',
  ),
  addresses_exhausted: text(
    'All VM addresses are in use; try again later, or ask the operator for more',
    'VM 주소가 모두 사용 중입니다. 나중에 다시 시도하거나 운영자에게 문의하세요.',
  ),
  node_full: text(
    'The server has no room for another VM; try again later, or ask the operator',
    '서버에 새 VM을 실행할 여유가 없습니다. 나중에 다시 시도하거나 운영자에게 문의하세요.',
  ),
  idempotency_key_reused: text(
    'This idempotency key was already used for a different request',
    '이 멱등성 키(Idempotency-Key)는 이미 다른 요청에 사용되었습니다.',
  ),
  not_cancellable: text(
    'This operation cannot be cancelled; wait for it to finish',
    '취소할 수 없는 작업입니다. 완료될 때까지 기다리세요.',
  ),
  not_an_orphan: text(
    'The hosting still exists; nothing was removed',
    '사용 중인 호스팅이므로 아무것도 삭제하지 않았습니다.',
  ),
  // the operation's
  cancelled: text('The operation was cancelled', '작업이 취소되었습니다.'),
  synthesis_failed: text(
    'The Terraform configuration could not be generated',
    'Terraform 구성을 생성하지 못했습니다.',
  ),
  plan_failed: text('Terraform could not plan the stack', 'Terraform이 계획을 생성하지 못했습니다.'),
  plan_refused: text(
    'The plan was refused: it would have changed more than this hosting',
    '계획이 이 호스팅의 범위를 벗어나 거부되었습니다.',
  ),
  plan_changed: text(
    'The plan has changed since you saw it; review it again',
    '확인한 이후로 계획이 변경되었습니다. 계획을 다시 확인하세요.',
  ),
  disk_lost: text(
    'The disk of this VM is gone, and its data with it; restore it from a copy, or ask for an empty disk',
    'VM 디스크와 데이터가 사라졌습니다. 사본에서 복원하거나 빈 디스크를 요청하세요.',
  ),
  vm_lost: text(
    'The VM is gone from the server; apply its stack to restore it',
    'VM이 서버에서 사라졌습니다. 스택을 다시 적용하여 복구하세요.',
  ),
  apply_failed: text('Terraform could not apply the plan', 'Terraform이 계획을 적용하지 못했습니다.'),
  guest_unreachable: text('The VM did not answer in time', 'VM이 제시간에 응답하지 않았습니다.'),
  proxy_refused: text(
    'Nginx refused the new configuration; the previous one stays in effect',
    'Nginx가 새 설정을 거부하여 이전 설정을 유지합니다.',
  ),
  proxy_unreachable: text('Nginx does not answer', 'Nginx가 응답하지 않습니다.'),
  // the machine's
  image_missing: text('The VM image has not been built yet', 'VM 이미지가 아직 준비되지 않았습니다.'),
  image_source_unreachable: text(
    'The source of the VM image cannot be reached',
    'VM 이미지 원본에 연결할 수 없습니다.',
  ),
  image_build_failed: text('The VM image could not be built', 'VM 이미지를 만들지 못했습니다.'),
  node_not_ready: text(
    'The server is still being prepared; try again in a few minutes',
    '서버를 준비하고 있습니다. 몇 분 뒤에 다시 시도하세요.',
  ),
  libvirt_unavailable: text('libvirt does not answer', 'libvirt가 응답하지 않습니다.'),
  isolation_failed: text(
    'VMs could not be isolated from each other; ask the operator to check the log',
    'VM을 서로 격리하지 못했습니다. 운영자에게 로그 확인을 요청하세요.',
  ),
  disk_full: text(
    'The server has run out of disk space; ask the operator to free some',
    '서버의 저장 공간이 부족합니다. 운영자에게 문의하세요.',
  ),
  memory_exhausted: text(
    'The server has too little free memory for this VM; try again in a minute, or ask the operator',
    '서버의 여유 메모리가 부족하여 VM을 실행할 수 없습니다. 잠시 후 다시 시도하거나 운영자에게 문의하세요.',
  ),
  terraform_missing: text(
    'Terraform is not installed on the server',
    '이 서버에 Terraform이 설치되어 있지 않습니다.',
  ),
  database_unavailable: text(
    'The database does not answer; try again in a minute',
    '데이터베이스가 응답하지 않습니다. 잠시 후 다시 시도하세요.',
  ),
  lease_lost: text(
    'Another worker has taken over this stack; try again',
    '다른 워커가 이 스택을 넘겨받았습니다. 다시 시도하세요.',
  ),
  config_invalid: text('The service is not configured correctly', '서비스 설정이 올바르지 않습니다.'),
  internal: text('An internal error occurred', '내부 오류가 발생했습니다.'),
} as const;

export type ErrorCode = keyof typeof errorTexts;
export const errorCodes = Object.keys(errorTexts) as ErrorCode[];
