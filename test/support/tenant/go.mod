module vm-webhoster.test/tenant

go 1.23
